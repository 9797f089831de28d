"""The table of structures below the neck, and of the head what is rarer.

Rows are those of `_table`, without a colour: it follows from the name.
"""

# Names after TG-263; a structure that it lists is here if people contour it as
# an organ at risk. Skin, external contours and devices are no organs.
SINGLE = """
cerebrum                 Cerebrum
  grosshirn; großhirn; grote hersenen; telencephalon
pons                     Pons
  brücke; protuberance; ponte
hypothalamus             Hypothalmus
pineal                   Pineal
  epiphysis cerebri; zirbeldrüse; pineal gland
hard_palate              Hardpalate
  harter gaumen; palais dur; palatum durum; hard palate
maxilla                  Maxilla
  oberkiefer; bovenkaak; maxillaire supérieur; mascella
cricoid                  Cricoid
  ringknorpel; cricoid cartilage; cartilage cricoïde
thyroid_cartilage        Cartlg_Thyroid
  schildknorpel; cartilage thyroïde
thymus                   Glnd_Thymus
  thymus gland; timo
heart                    Heart
  herz; hart; cœur; cuore; corazón; coração
pericardium              Pericardium
  herzbeutel; péricarde
left_ascending_coronary  A_LAD
  lad; left anterior descending; riva
aorta                    A_Aorta
  aorte
pulmonary_artery         A_Pulmonary
  arteria pulmonalis; artère pulmonaire; lungenarterie
great_vessels            GreatVes
  great vessels; grosse gefässe; große gefäße; gros vaisseaux
superior_vena_cava       V_Venacava_S
  vena cava superior; svc; veine cave supérieure
inferior_vena_cava       V_Venacava_I
  vena cava inferior; ivc; veine cave inférieure
portal_vein              V_Portal
  vena portae; pfortader; veine porte
carina                   Carina
bronchus                 Bronchus
  bronchi; bronchien; bronches
lungs                    Lungs
  beide lungen; lunge gesamt; poumons; longen; polmoni; pulmones; both lungs
mediastinum              Mediastinum
  mediastin
chest_wall               Chestwall
  brustwand; thoraxwand; paroi thoracique; borstwand
sternum                  Sternum
  brustbein; borstbeen; sterno; esternón
diaphragm                Diaphragm
  zwerchfell; middenrif; diaphragme
liver                    Liver
  leber; lever; foie; fegato; hígado; fígado; hepar
gallbladder              Gallbladder
  gallenblase; galblaas; vésicule biliaire; cistifellea; colecisti; vesícula
  biliar; vesica fellea; gall bladder
bile_duct                BileDuct_Common
  common bile duct; choledochus; cholédoque
spleen                   Spleen
  milz; milt; rate; milza; bazo; baço; lien
stomach                  Stomach
  magen; maag; estomac; stomaco; estómago; gaster
pancreas                 Pancreas
  bauchspeicheldrüse; pankreas; alvleesklier; pancréas
duodenum                 Duodenum
  zwölffingerdarm; twaalfvingerige darm; duodénum; duodeno
jejunum                  Jejunum
ileum                    Ileum
bowel                    Bowel
  darm; darmen; intestin; intestino; intestine; intestines
bowel_small              Bowel_Small
  small bowel; small intestine; dünndarm; dunne darm; intestin grêle; grêle;
  intestino tenue; intestino delgado
bowel_large              Bowel_Large
  large bowel; large intestine; dickdarm; dikke darm; gros intestin
bowel_bag                Bag_Bowel
  Bowel_Bag; bowel bag; bowelbag; darmsack
colon                    Colon
  kolon; côlon
sigmoid                  Colon_Sigmoid
  sigma; sigmoid colon; sigmoïde; sigmoïd; colon sigmoideum; Sigmoid
cecum                    Cecum
  zökum; caecum; blinddarm; cæcum
rectum                   Rectum
  rektum; mastdarm; enddarm; endeldarm; retto; recto; reto
anal_canal               Canal_Anal
  anal canal; analkanal; anaal kanaal; canal anal; canale anale
anus                     Anus
peritoneum               Peritoneum
bladder                  Bladder
  harnblase; blase; urinary bladder; blaas; vessie; vescica; vejiga; bexiga;
  vesica urinaria
urethra                  Urethra
  harnröhre; urètre; uretra; plasbuis
prostate                 Prostate
  prostata; próstata
prostate_bed             ProstateBed
  prostate bed; prostataloge; loge prostatique
seminal_vesicles         SeminalVes
  seminal vesicles; seminal vesicle; samenblasen; samenblase; zaadblaasjes;
  vésicules séminales; vescicole seminali; vesículas seminales; vesiculae
  seminales; sv
penile_bulb              PenileBulb
  penile bulb; bulbus penis; bulbe du pénis; bulbe pénien; peniswortel;
  schwellkörper
penis                    Penis
  pénis; pene
scrotum                  Scrotum
uterus                   Uterus
  gebärmutter; baarmoeder; utérus; utero; útero
cervix                   Cervix
  gebärmutterhals; baarmoederhals; cervix uteri; col utérin
vagina                   Vagina
  scheide; vagin; schede
vulva                    Vulva
parametrium              Parametrium
perineum                 Perineum
  damm; périnée
genitals                 Genitals
  genitalien; external genitalia
pelvic_bones             Bone_Pelvic
  pelvic bones; pelvic bone; bony pelvis; beckenknochen
pubic_symphysis          PubicSymphys
  pubic symphysis; symphyse; symphysis pubica
sacrum                   Sacrum
  kreuzbein; heiligbeen; sacro
sacral_plexus            SacralPlex
  sacral plexus; plexus sacralis; plexus sacré
cauda_equina             CaudaEquina
  cauda equina; queue de cheval
thecal_sac               ThecalSac
  thecal sac; duralsack; durasack; sac dural
bone_marrow              BoneMarrow
  bone marrow; knochenmark; beenmerg; moelle osseuse
skull                    Skull
  schädel; schedel; crâne; cranio; cráneo; cranium
"""

PAIRED = """
tonsil                   Tonsil
  tonsille; gaumenmandel; amygdale; tonsilla
orbit                    Orbit
  orbita; augenhöhle; oogkas; orbite
frontal_lobe             Lobe_Frontal
  frontallappen; lobe frontal; lobus frontalis
parietal_lobe            Lobe_Parietal
  parietallappen; lobe pariétal; lobus parietalis
occipital_lobe           Lobe_Occipital
  okzipitallappen; lobe occipital; lobus occipitalis
vocal_cord               VocalCord
  stimmband; stemband; corde vocale; vocal cord; corda vocale
arytenoid                Arytenoid
  aryknorpel; arytenoid cartilage; aryténoïde
digastric                Musc_Digastric
  digastric muscle
pterygoid_lateral        Pterygoid_Lat
  lateral pterygoid
pterygoid_medial         Pterygoid_Med
  medial pterygoid
temporalis               Musc_Temporal
  temporal muscle; musculus temporalis
breast                   Breast
  brust; mamma; borst; sein; mammella; mama
clavicle                 Clavicle
  clavicula; schlüsselbein; sleutelbeen; clavicule; clavicola; clavícula
scapula                  Scapula
  schulterblatt; schouderblad; omoplate; escápula
humerus                  Humerus
  oberarmknochen; opperarmbeen; humérus; omero; húmero
humeral_head             Humerus_Head
  humerus head; humeral head; humeruskopf; oberarmkopf; humeruskop; tête
  humérale; testa omerale
kidney                   Kidney
  niere; nier; rein; rene; riñón; rim; ren
adrenal                  Glnd_Adrenal
  adrenal gland; nebenniere; bijnier; surrénale; glande surrénale; surrene
ureter                   Ureter
  harnleiter; uretère; uretere; uréter
ovary                    Ovary
  eierstock; eierstok; ovaire; ovaio; ovario; ovarium
testis                   Testis
  testicle; hoden; teelbal; testicule; testicolo; testículo
femur                    Femur
  oberschenkelknochen; dijbeen; fémur; femore
femoral_head             Femur_Head
  femoral head; femur head; femurkopf; hüftkopf; oberschenkelkopf; femurkop;
  heupkop; tête fémorale; testa femorale; testa del femore; cabeza femoral;
  cabeza de fémur; cabeça femoral; caput femoris
iliac_bone               Bone_Ilium
  ilium; darmbein; os ilium
"""

OPEN_ENDED = frozenset(
  """
aorta bone_marrow bowel bowel_bag bowel_large bowel_small cauda_equina
chest_wall colon femur great_vessels humerus inferior_vena_cava peritoneum
sacral_plexus superior_vena_cava thecal_sac
""".split()
)
